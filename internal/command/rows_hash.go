package command

func hashRows() []Row { return nil }
