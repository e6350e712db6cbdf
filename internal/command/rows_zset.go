package command

func sortedSetRows() []Row { return nil }
