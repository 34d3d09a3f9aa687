package tools

import "scanwarden/defender"

// Secret is defender.Secret, for the interface packages, which must not import package defender.
type Secret = defender.Secret
