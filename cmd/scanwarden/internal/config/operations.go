package config

import (
	"maps"
	"slices"

	"scanwarden/tools"
)

// Operations is the operations with the names of our credentials in their schemas. In read-only mode it has none that
// changes anything, so that no face can offer one.
func (c *Config) Operations() ([]tools.Operation, error) {
	operations, err := tools.Catalogue(slices.Sorted(maps.Keys(c.Credentials)))
	if c.ReadOnly {
		operations = slices.DeleteFunc(operations, func(op tools.Operation) bool { return !op.ReadOnly() })
	}
	return operations, err
}

// writeOperations names the operations that change Defender.
func writeOperations() ([]string, error) {
	operations, err := tools.Catalogue(nil)
	var names []string
	for _, op := range operations {
		if op.Effect == tools.Proposes {
			names = append(names, op.Name)
		}
	}
	return names, err
}
