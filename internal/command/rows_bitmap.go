package command

func bitmapRows() []Row { return nil }
