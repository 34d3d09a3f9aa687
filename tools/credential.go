package tools

import "scanwarden/defender"

// Secret is defender.Secret, for the doors, which do not see package defender.
type Secret = defender.Secret
