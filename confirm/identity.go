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

// people is who is who at one moment: what the configuration says, joined with what people have proved. Whatever
// depends on who somebody is asks one of these, and none is kept for longer than one decision.
type people struct {
	known     []Person
	index     map[Principal]int // whose each principal is, in known
	contested map[int]bool      // of those whom the configuration and a link call by different names, in known
}

func join(configured []Person, links []Link) people {
	p := people{
		known:     slices.Clone(configured),
		index:     make(map[Principal]int, len(configured)+2*len(links)),
		contested: map[int]bool{},
	}
	for i, known := range p.known {
		p.belong(i, known.Principals)
	}
	for _, l := range links {
		p.join(l)
	}
	return p
}

// join takes a link into account. One that says that two configured people are the same contradicts the
// configuration, which was altered after it: they have one voice between them, and it does not confirm anything.
func (p *people) join(l Link) {
	from, to := p.find(l.From), p.find(l.To)
	switch {
	case from < 0 && to < 0:
		p.known = append(p.known, Person{Name: l.Name})
		p.add(len(p.known)-1, l.To, l.From)
	case from < 0:
		p.add(to, l.From)
	case to < 0:
		p.add(from, l.To)
	case from != to:
		p.add(to, p.known[from].Principals...) // nobody is found as the other any more
		p.contested[to] = true
	}
}

// add gives a person more principals; the configuration's own list is left as it is.
func (p *people) add(person int, more ...Principal) {
	p.known[person].Principals = append(slices.Clip(p.known[person].Principals), more...)
	p.belong(person, more)
}

func (p *people) belong(person int, principals []Principal) {
	for _, principal := range principals {
		p.index[principal] = person
	}
}

// find returns the index of the person whom a principal belongs to, -1 for a stranger.
func (p people) find(of Principal) int {
	if i, known := p.index[of]; known {
		return i
	}
	return -1
}

// person returns everything known of the human behind a principal. A stranger is a person of their own, known
// by no other name.
func (p people) person(of Principal) Person {
	if i := p.find(of); i >= 0 {
		return p.known[i]
	}
	return Person{Principals: []Principal{of}}
}

// same reports whether two principals belong to one human being.
func (p people) same(a, b Principal) bool { return p.person(a).key() == p.person(b).key() }

// isContested reports whether it cannot be told who somebody is.
func (p people) isContested(of Principal) bool { return p.contested[p.find(of)] }

// meet reports whether somebody of one list and somebody of the other are one human being.
func (p people) meet(some, others []Principal) bool {
	return slices.ContainsFunc(some, func(a Principal) bool {
		return slices.ContainsFunc(others, func(b Principal) bool { return p.same(a, b) })
	})
}

// twice reports whether two decisions are of one person, by what is known now, or was known when either was made.
func (p people) twice(a, b Decision) bool { return p.meet(a.names(), b.names()) }

// asked reports whether the requester of a change is among some principals, by what is known now, or was known when
// they asked: who sheds an account afterwards has asked by it all the same.
func (p people) asked(c Change, some ...Principal) bool {
	return p.meet(append([]Principal{c.Requester}, c.RequesterAlso...), some)
}

// names are all that a person was known by when they decided.
func (d Decision) names() []Principal {
	return append([]Principal{d.Principal, Principal(d.Person)}, d.Also...)
}

// also are the other principals of the human behind one.
func (p people) also(of Principal) (others []Principal) {
	for _, other := range p.person(of).Principals {
		if other != of {
			others = append(others, other)
		}
	}
	return others
}
