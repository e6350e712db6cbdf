package darter_test

import (
	"fmt"

	"github.com/darterdb/darter"
)

func ExampleGeo() {
	c := open(darter.Options{})
	defer c.Close()

	bikes := c.Geo("bikes")
	_, err := bikes.AddMany(
		darter.Placed{Member: "bike:1", At: darter.GeoPoint{Lon: 13.3777, Lat: 52.5163}},
		darter.Placed{Member: "bike:2", At: darter.GeoPoint{Lon: 13.3761, Lat: 52.5186}},
		darter.Placed{Member: "bike:3", At: darter.GeoPoint{Lon: 13.4132, Lat: 52.5219}},
	)
	check(err)
	near, err := bikes.Search(darter.GeoSearch{
		Center: darter.GeoPoint{Lon: 13.3757, Lat: 52.5170}, Radius: 500, Limit: 10,
	})
	check(err)
	for _, bike := range near {
		fmt.Printf("%s is %.0f m away\n", bike.Member, bike.Meters)
	}
	// Output:
	// bike:1 is 156 m away
	// bike:2 is 180 m away
}
