package doctor

import (
	"context"
	"fmt"

	"scanwarden/cmd/scanwarden/internal/config"
)

// checkEnvironment notes the variables that Kubernetes has made for a Service. It returns nil if there are none.
func checkEnvironment(_ context.Context, c *Checker) []config.Finding {
	names := c.env.ServiceVariables()
	if len(names) == 0 {
		return nil
	}
	return []config.Finding{config.Note(
		fmt.Sprintf("%s, such as %s, come from a Kubernetes Service and are ignored", config.Plural(len(names), "variable"), names[0]),
		"Set enableServiceLinks: false in the pod to be rid of them.")}
}
