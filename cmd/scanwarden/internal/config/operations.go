package config

import (
	"maps"
	"slices"

	"scanwarden/tools"
)

// Operations returns the catalogue with the names of the configured credentials in its schemas. In read-only mode it
// has no operation that changes anything, so that no interface can offer one.
func (c *Config) Operations() ([]tools.Operation, error) {
	operations, err := tools.Catalogue(slices.Sorted(maps.Keys(c.Credentials)))
	if c.ReadOnly {
		operations = slices.DeleteFunc(operations, func(op tools.Operation) bool { return !op.ReadOnly() })
	}
	return operations, err
}

// writeOperations returns the names of the operations that change Defender.
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
