package defendertest

import "cmp"

// Options chooses between contradicting sources of the API's behavior. The zero value is the documented behavior, on a
// seeded tenant that accepts any bearer token and never throttles.
type Options struct {
	// AuthInLists makes the list of definitions return scanAuthenticationParams populated, passwords included,
	// as the example on "Get all scan definitions" prints it. Otherwise it is null, as in every example on
	// "Add, update or delete a scan definition".
	AuthInLists bool

	// PascalCaseAgents writes AssignedApplicationId, ScannerSoftwareVersion and LastCommandExecutionTimestamp, as the
	// list and agent pages print them. Otherwise they are in camelCase, as on the add page and in $metadata.
	PascalCaseAgents bool

	// BareAgent returns the entity itself for agent-by-id, as OData and $metadata define it. Otherwise it is in a value
	// array of one, as "Get scan agent by Id" prints it.
	BareAgent bool

	// KeyVaultField is the name of the vault address that $metadata declares and requests must use: "keyVaultUri" (the
	// default; $metadata and the property page of 2022) or "keyVaultUrl" (the property page since). The other spelling is
	// an unknown field.
	KeyVaultField string

	// MetadataHistory returns both histories in the shape of $metadata's AuthScanHistoryContract. Otherwise they have the
	// shapes that the two history pages print, with nearly no name in common.
	MetadataHistory bool

	// DeleteStatus is the status of BatchDelete, without a body; 0 means 200. No page shows the response; the related
	// indicators/BatchDelete documents 204.
	DeleteStatus int

	// CreateStatus is the status of an add; 0 means 200, as documented. Public clients expect 201 as well.
	CreateStatus int

	// IgnoreUnknownFields drops names that are unknown or in the wrong case, vault references included. Otherwise they
	// cause 400 InvalidRequestBody: by the common-errors page, names are case-sensitive, and a wrong case may cause
	// InvalidRequestBody or MissingRequiredParameter.
	IgnoreUnknownFields bool

	// OtherIDOnUpdate makes PATCH return another id than that in the path, as the newer page's example does. The stored
	// definition keeps its id.
	OtherIDOnUpdate bool

	// WrapEntities puts the entity that add and PATCH return into a value array of one, as the agent page does with its
	// single entity.
	WrapEntities bool

	// PageSize is how many items a page of both lists has, with an @odata.nextLink to the next; 0 means no paging. No
	// page of the documentation shows a nextLink.
	PageSize int

	// RefuseWindows refuses to create or update Windows scans, which Microsoft retired on 2025-12-18; they
	// are still listed and can be deleted. Whether the live service refuses, and how, is undocumented.
	RefuseWindows bool

	// PerMinute and PerHour limit the calls; 0 means no limit. Calls above a limit get 429 TooManyRequests with
	// Retry-After in seconds. Every page of this API documents 100 and 1,500.
	PerMinute, PerHour int

	// Roles has the application roles of the caller's token; nil means that none are checked. As documented, reads (both
	// history POSTs among them) need Machine.Read.All and writes Machine.ReadWrite.All.
	Roles []string

	// Token is the only bearer token accepted; "" means any, but there must be one.
	Token string

	// Empty starts without the seeded scanners and scans.
	Empty bool
}

// keyVaultField returns KeyVaultField or its default.
func (o Options) keyVaultField() string { return cmp.Or(o.KeyVaultField, "keyVaultUri") }
