package command

func hashttlRows() []Row { return nil }
