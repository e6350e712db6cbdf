package frameworks

import (
	"os"
	"testing"

	"github.com/darterdb/darter/internal/clienttest"
)

func TestMain(m *testing.M) { os.Exit(clienttest.Main(m, "../../..")) }
