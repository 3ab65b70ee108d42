package healthcheck

import (
	"testing"

	"github.com/drover-proxy/drover/internal/workertest"
)

func TestMain(m *testing.M) { workertest.Main(m) }
