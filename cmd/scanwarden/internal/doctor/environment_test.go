package doctor

import (
	"strings"
	"testing"

	"scanwarden/cmd/scanwarden/internal/config"
)

func TestServiceVariablesAreNoted(t *testing.T) {
	t.Parallel()
	found := checkEnvironment(t.Context(), &Checker{env: config.Environment{"SCANWARDEN_SERVICE_HOST": "10.0.0.1", "SCANWARDEN_PORT": "tcp://10.0.0.1:1"}})
	if len(found) != 1 || found[0].Status != config.StatusNote || !strings.Contains(found[0].Next, "enableServiceLinks: false") {
		t.Errorf("%+v", found)
	}
	if found := checkEnvironment(t.Context(), &Checker{env: config.Environment{"SCANWARDEN_APPROVERS": "token:ada"}}); found != nil {
		t.Errorf("%+v", found)
	}
}
