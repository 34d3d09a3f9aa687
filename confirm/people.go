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
	contested []Principal // of those whom the configuration and a link call by different names
}

func join(configured []Person, links []Link) people {
	p := people{known: slices.Clone(configured)}
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
		p.known = append(p.known, Person{Name: l.Name, Principals: []Principal{l.To, l.From}})
	case from < 0:
		p.add(to, l.From)
	case to < 0:
		p.add(from, l.To)
	case from != to:
		p.add(to, p.known[from].Principals...)
		p.contested = append(p.contested, l.From, l.To)
		p.known = slices.Delete(p.known, from, from+1)
	}
}

// add gives a person more principals; the configuration's own list is left as it is.
func (p *people) add(person int, more ...Principal) {
	p.known[person].Principals = append(slices.Clip(p.known[person].Principals), more...)
}

// find returns the index of the person whom a principal belongs to, -1 for a stranger.
func (p people) find(of Principal) int {
	return slices.IndexFunc(p.known, func(known Person) bool { return slices.Contains(known.Principals, of) })
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
func (p people) isContested(of Principal) bool {
	principals := p.person(of).Principals
	return slices.ContainsFunc(p.contested, func(c Principal) bool { return slices.Contains(principals, c) })
}

// twice reports whether two decisions are of one person, by what is known now, or was known when either was made.
func (p people) twice(a, b Decision) bool {
	return a.Person == b.Person || p.same(a.Principal, b.Principal) ||
		slices.Contains(a.Also, b.Principal) || slices.Contains(b.Also, a.Principal)
}

// approvals counts the distinct people who said yes: somebody whose principals were joined after a vote, or
// taken apart, still counts once.
func (p people) approvals(c Change) int {
	var counted int
	var yes []Decision
	for _, d := range c.Decisions {
		if !d.Approve {
			continue
		}
		if !slices.ContainsFunc(yes, func(e Decision) bool { return p.twice(d, e) }) {
			counted++
		}
		yes = append(yes, d)
	}
	return counted
}
