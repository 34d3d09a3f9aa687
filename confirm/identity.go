package confirm

import "slices"

// Person groups the principals of one human being, so that they count once.
type Person struct {
	Name       string
	Email      string // for interfaces that match accounts by e-mail address; "" matches none
	Principals []Principal
}

// key returns the same string for every principal of the person.
func (p Person) key() string { return string(p.Principals[0]) }

// identities maps principals to persons at one moment: those of the configuration, and the links that people have
// proved. All code that depends on a person's identity uses it. It is loaded for one decision and then dropped.
type identities struct {
	persons   []Person
	index     map[Principal]int  // principal -> index in persons
	ambiguous map[int]bool       // indexes of persons whose link contradicts the configuration
	suspect   map[Principal]bool // principals with a link that does not verify
}

// newIdentities returns the configured persons combined with the links. It does not alter configured.
func newIdentities(configured []Person, links []Link) identities {
	ids := identities{
		persons:   slices.Clone(configured),
		index:     make(map[Principal]int, len(configured)+2*len(links)),
		ambiguous: map[int]bool{}, suspect: map[Principal]bool{},
	}
	for i, person := range ids.persons {
		ids.indexPrincipals(i, person.Principals)
	}
	for _, l := range links {
		ids.addLink(l)
	}
	return ids
}

// addSuspects records the principals of links that do not verify. Such a link joins nobody, because anyone may have
// written it. It is not ignored either: if it was true, one of the two could confirm what the other asked for.
func (ids *identities) addSuspects(links []Link) {
	for _, l := range links {
		ids.suspect[l.From], ids.suspect[l.To] = true, true
	}
}

// isSuspect reports whether a principal of this person has a link that does not verify.
func (ids identities) isSuspect(principal Principal) bool {
	return len(ids.suspect) > 0 &&
		slices.ContainsFunc(ids.personOf(principal).Principals, func(p Principal) bool { return ids.suspect[p] })
}

// addLink merges the two sides of a link into one person. A link between two configured persons contradicts the
// configuration, which was altered after the link was made. They then have one vote together, and it approves nothing.
func (ids *identities) addLink(l Link) {
	from, to := ids.personIndex(l.From), ids.personIndex(l.To)
	switch {
	case from < 0 && to < 0:
		ids.persons = append(ids.persons, Person{Name: l.Name})
		ids.addPrincipals(len(ids.persons)-1, l.To, l.From)
	case from < 0:
		ids.addPrincipals(to, l.From)
	case to < 0:
		ids.addPrincipals(from, l.To)
	case from != to:
		ids.addPrincipals(to, ids.persons[from].Principals...) // from is no longer found
		ids.ambiguous[to] = true
	}
}

// addPrincipals adds principals to a person, without altering the configuration's own list.
func (ids *identities) addPrincipals(person int, more ...Principal) {
	ids.persons[person].Principals = append(slices.Clip(ids.persons[person].Principals), more...)
	ids.indexPrincipals(person, more)
}

func (ids *identities) indexPrincipals(person int, principals []Principal) {
	for _, principal := range principals {
		ids.index[principal] = person
	}
}

// personIndex returns the index of the principal's person, or -1 if no person has it.
func (ids identities) personIndex(principal Principal) int {
	if i, known := ids.index[principal]; known {
		return i
	}
	return -1
}

// personOf returns the person that a principal belongs to. For an unknown principal it returns a new person without a
// name and with no other principal.
func (ids identities) personOf(principal Principal) Person {
	if i := ids.personIndex(principal); i >= 0 {
		return ids.persons[i]
	}
	return Person{Principals: []Principal{principal}}
}

// samePerson reports whether two principals belong to one person.
func (ids identities) samePerson(a, b Principal) bool {
	return ids.personOf(a).key() == ids.personOf(b).key()
}

// isAmbiguous reports whether the configuration and a link contradict each other about this principal's person.
func (ids identities) isAmbiguous(principal Principal) bool {
	return ids.ambiguous[ids.personIndex(principal)]
}

// overlap reports whether a principal of one list and one of the other belong to the same person.
func (ids identities) overlap(some, others []Principal) bool {
	return slices.ContainsFunc(some, func(a Principal) bool {
		return slices.ContainsFunc(others, func(b Principal) bool { return ids.samePerson(a, b) })
	})
}

// sameVoter reports whether two decisions are by one person, as known now or when either was made.
func (ids identities) sameVoter(a, b Decision) bool {
	return ids.overlap(a.allPrincipals(), b.allPrincipals())
}

// isRequester reports whether one of the principals belongs to the requester of c, as known now or at the time of the
// proposal. An account that was unlinked afterwards remains the requester's for this change.
func (ids identities) isRequester(c Change, principals ...Principal) bool {
	return ids.overlap(append([]Principal{c.Requester}, c.RequesterAlso...), principals)
}

// allPrincipals returns every principal by which the person was known when they decided.
func (d Decision) allPrincipals() []Principal {
	return append([]Principal{d.Principal, Principal(d.Person)}, d.Also...)
}

// aliases returns the other principals of the person, nil if there are none.
func (ids identities) aliases(principal Principal) (others []Principal) {
	for _, other := range ids.personOf(principal).Principals {
		if other != principal {
			others = append(others, other)
		}
	}
	return others
}
