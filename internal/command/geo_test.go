package command

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestGeoPlaces(t *testing.T) {
	script(t, `
		GEOADD Sicily 13.361389 38.115556 Palermo 15.087269 37.502669 Catania => 2
		GEOADD Sicily CH 13.361389 38.115556 Palermo 1 1 x => 1
		ZREM Sicily x => 1
		GEOADD Sicily XX 1 1 nobody => 0
		GEOADD Sicily NX CH 1 1 Palermo => 0
		GEOADD Sicily NX XX 1 1 a => ERR syntax error
		GEOADD Sicily 1 1 a 2 => ERR syntax error
		GEOADD Sicily CH CH CH => ERR syntax error
		GEOADD Sicily 200 1 a => ERR invalid longitude,latitude pair 200.000000,1.000000
		GEOADD Sicily 1 inf a => ERR invalid longitude,latitude pair 1.000000,inf
		GEOADD Sicily x 1 a => ERR value is not a valid float
		ZSCORE Sicily Palermo => "3479099956230698"
		GEOPOS Sicily Palermo none => [["13.36138933897018433" "38.11555639549629859"] (nil)]
		GEOHASH Sicily Palermo Catania none => ["sqc8b49rny0" "sqdtr74hyu0" (nil)]
		GEODIST Sicily Palermo Catania => "166274.1516"
		GEODIST Sicily Palermo Catania KM => "166.2742"
		GEODIST Sicily Palermo Catania ft => "545518.8700"
		GEODIST Sicily Palermo none => (nil)
		GEODIST none a b => (nil)
		GEODIST Sicily Palermo Catania yd => ERR unsupported unit provided. please use M, KM, FT, MI
		GEODIST Sicily Palermo Catania m m => ERR syntax error
		SET s v => OK
		GEOADD s 1 1 a => WRONGTYPE Operation against a key holding the wrong kind of value
		GEOPOS s a => WRONGTYPE Operation against a key holding the wrong kind of value
	`)
}

func TestGeoSearches(t *testing.T) {
	script(t, `
		GEOADD Sicily 13.361389 38.115556 Palermo 15.087269 37.502669 Catania 13.583333 37.316667 Agrigento => 3
		GEOSEARCH Sicily FROMLONLAT 15 37 BYRADIUS 200 km ASC => ["Catania" "Agrigento" "Palermo"]
		GEOSEARCH Sicily FROMLONLAT 15 37 BYBOX 400 400 km DESC COUNT 1 WITHDIST => [["Palermo" "190.4424"]]
		GEOSEARCH Sicily FROMMEMBER Palermo BYRADIUS 100 km WITHHASH => [["Agrigento" 3479030013248308] ["Palermo" 3479099956230698]]
		GEOSEARCH Sicily FROMMEMBER none BYRADIUS 100 km => ERR could not decode requested zset member
		GEOSEARCH Sicily FROMLONLAT 15 37 ASC ASC => ERR exactly one of BYRADIUS and BYBOX can be specified for GEOSEARCH
		GEOSEARCH Sicily BYRADIUS 1 m ASC ASC => ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for GEOSEARCH
		GEOSEARCH Sicily FROMLONLAT 15 37 BYRADIUS 1 m ANY => ERR the ANY argument requires COUNT argument
		GEOSEARCH Sicily FROMLONLAT 15 37 BYRADIUS 1 m COUNT 0 => ERR COUNT must be > 0
		GEOSEARCH Sicily FROMLONLAT 15 37 BYRADIUS -1 m => ERR radius cannot be negative
		GEOSEARCH Sicily FROMLONLAT 15 37 BYBOX -1 1 m => ERR height or width cannot be negative
		GEOSEARCH none FROMMEMBER x BYRADIUS 1 m => []
		GEOSEARCHSTORE to Sicily FROMLONLAT 15 37 BYRADIUS 200 km COUNT 2 => 2
		ZRANGE to 0 -1 WITHSCORES => ["Agrigento" "3479030013248308" "Catania" "3479447370796909"]
		GEOSEARCHSTORE to Sicily FROMLONLAT 15 37 BYRADIUS 200 km STOREDIST => 3
		ZRANGE to 0 0 => ["Catania"]
		GEOSEARCHSTORE to Sicily FROMLONLAT 15 37 BYRADIUS 200 km WITHDIST => ERR GEOSEARCHSTORE is not compatible with WITHDIST, WITHHASH and WITHCOORD options
		GEOSEARCHSTORE to none FROMLONLAT 15 37 BYRADIUS 200 km => 0
		EXISTS to => 0
		GEORADIUS Sicily 15 37 100 km => ["Catania"]
		GEORADIUS Sicily 15 37 200 km STORE a STOREDIST b COUNT 1 => 1
		EXISTS a b => 1
		GEORADIUS Sicily 15 37 200 km STORE STOREDIST => 3
		EXISTS STOREDIST => 1
		GEORADIUS_RO Sicily 15 37 200 km STORE a => ERR syntax error
		GEORADIUSBYMEMBER Sicily Palermo 100 km => ["Agrigento" "Palermo"]
		GEORADIUSBYMEMBER Sicily none 100 km => ERR could not decode requested zset member
		GEORADIUSBYMEMBER none x y z => []
		GEORADIUSBYMEMBER none x y z STORE b => 0
		EXISTS b => 0
	`)
}

// TestGeoCoordinates shows coordinates in RESP3: doubles with all their digits.
func TestGeoCoordinates(t *testing.T) {
	b := newBench(t, 1)
	b.do("GEOADD", "Sicily", "13.361389", "38.115556", "Palermo")
	b.out.Reset(3)
	b.run([][]byte{[]byte("GEOPOS"), []byte("Sicily"), []byte("Palermo"), []byte("none")})
	require.Equal(t, "*2\r\n*2\r\n,13.36138933897018433\r\n,38.11555639549629859\r\n_\r\n", string(b.out.Buf))
}

func TestGeoradiusKeys(t *testing.T) {
	for call, want := range map[string][]KeyAt{
		"georadius k 1 1 1 m":                                {{1, "RO access"}},
		"georadius k 1 1 1 m store":                          {{1, "RO access"}},
		"georadius k 1 1 1 m asc STORE d":                    {{1, "RO access"}, {8, "OW update"}},
		"georadius k 1 1 1 m storedist storedist":            {{1, "RO access"}, {7, "OW update"}},
		"georadiusbymember k m 1 m STORE a count 1 store b":  {{1, "RO access"}, {6, "OW update"}, {10, "OW update"}},
		"georadiusbymember k store 1 m count 1 storedist to": {{1, "RO access"}, {8, "OW update"}},
	} {
		var args [][]byte
		for _, w := range strings.Fields(call) {
			args = append(args, []byte(w))
		}
		keys, err := KeysOf(Lookup(args[0]), args, nil)
		require.NoError(t, err)
		require.Equal(t, want, keys, call)
	}
}
