package confirm

import "slices"

// Person joins several principals of one human being, so that they count once.
type Person struct {
	Name       string
	Email      string // for faces that may match people by it; "" matches nobody
	Principals []Principal
}

// key identifies a person whichever of their principals acts.
func (p Person) key() string { return string(p.Principals[0]) }

// identities is who is who at one moment: what the configuration says, joined with what people have proved. Whatever
// depends on who somebody is asks one of these, and none is kept for longer than one decision.
type identities struct {
	persons   []Person
	index     map[Principal]int // whose each principal is, in known
	ambiguous map[int]bool      // of those whom the configuration and a link call by different names, in known
}

func newIdentities(configured []Person, links []Link) identities {
	p := identities{
		persons:   slices.Clone(configured),
		index:     make(map[Principal]int, len(configured)+2*len(links)),
		ambiguous: map[int]bool{},
	}
	for i, known := range p.persons {
		p.indexPrincipals(i, known.Principals)
	}
	for _, l := range links {
		p.addLink(l)
	}
	return p
}

// addLink takes a link into account. One that says that two configured people are the same contradicts the
// configuration, which was altered after it: they have one voice between them, and it does not confirm anything.
func (p *identities) addLink(l Link) {
	from, to := p.personIndex(l.From), p.personIndex(l.To)
	switch {
	case from < 0 && to < 0:
		p.persons = append(p.persons, Person{Name: l.Name})
		p.addPrincipals(len(p.persons)-1, l.To, l.From)
	case from < 0:
		p.addPrincipals(to, l.From)
	case to < 0:
		p.addPrincipals(from, l.To)
	case from != to:
		p.addPrincipals(to, p.persons[from].Principals...) // nobody is found as the other any more
		p.ambiguous[to] = true
	}
}

// addPrincipals gives a person more principals; the configuration's own list is left as it is.
func (p *identities) addPrincipals(person int, more ...Principal) {
	p.persons[person].Principals = append(slices.Clip(p.persons[person].Principals), more...)
	p.indexPrincipals(person, more)
}

func (p *identities) indexPrincipals(person int, principals []Principal) {
	for _, principal := range principals {
		p.index[principal] = person
	}
}

// personIndex returns the index of the person whom a principal belongs to, -1 for a stranger.
func (p identities) personIndex(of Principal) int {
	if i, known := p.index[of]; known {
		return i
	}
	return -1
}

// personOf returns everything known of the human behind a principal. A stranger is a person of their own, known
// by no other name.
func (p identities) personOf(of Principal) Person {
	if i := p.personIndex(of); i >= 0 {
		return p.persons[i]
	}
	return Person{Principals: []Principal{of}}
}

// samePerson reports whether two principals belong to one human being.
func (p identities) samePerson(a, b Principal) bool {
	return p.personOf(a).key() == p.personOf(b).key()
}

// isAmbiguous reports whether it cannot be told who somebody is.
func (p identities) isAmbiguous(of Principal) bool { return p.ambiguous[p.personIndex(of)] }

// overlap reports whether somebody of one list and somebody of the other are one human being.
func (p identities) overlap(some, others []Principal) bool {
	return slices.ContainsFunc(some, func(a Principal) bool {
		return slices.ContainsFunc(others, func(b Principal) bool { return p.samePerson(a, b) })
	})
}

// sameVoter reports whether two decisions are of one person, by what is known now, or was known when either was made.
func (p identities) sameVoter(a, b Decision) bool {
	return p.overlap(a.allPrincipals(), b.allPrincipals())
}

// isRequester reports whether the requester of a change is among some principals, by what is known now, or was known when
// they asked: who sheds an account afterwards has asked by it all the same.
func (p identities) isRequester(c Change, some ...Principal) bool {
	return p.overlap(append([]Principal{c.Requester}, c.RequesterAlso...), some)
}

// allPrincipals are all that a person was known by when they decided.
func (d Decision) allPrincipals() []Principal {
	return append([]Principal{d.Principal, Principal(d.Person)}, d.Also...)
}

// aliases are the other principals of the human behind one.
func (p identities) aliases(of Principal) (others []Principal) {
	for _, other := range p.personOf(of).Principals {
		if other != of {
			others = append(others, other)
		}
	}
	return others
}
