package command

func geoRows() []Row { return nil }
