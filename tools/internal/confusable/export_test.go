package confusable

// Access to the tables for tests.
var (
	PrototypeTable    = prototypeTable
	SmallCapitalTable = smallCapitalTable
	IsAllowed         = isAllowed
	IsOrdinary        = isOrdinary
)
