package tools_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"scanwarden/confirm"
	"scanwarden/defender/defendertest"
	"scanwarden/tools"
	"scanwarden/tools/internal/confusable"
)

// lookAlikes are names that look like "Core switches" or a part of it.
var lookAlikes = map[string]struct{ name, warning string }{
	"full width":      {"Ｃｏｒｅ ｓｗｉｔｃｈｅｓ", `looks like "Core switches" but is not: it has the unusual character Ｃ (U+FF23)`},
	"mathematical":    {"𝐂𝐨𝐫𝐞 switches", `looks like "Core switches" but is not: it has the unusual character 𝐂 (U+1D402)`},
	"mathematical 2":  {"𝐂𝐨𝐫𝐞 東京", `looks like "Core 東京" but is not`},
	"small capitals":  {"ᴄᴏʀᴇ ꜱᴡɪᴛᴄʜᴇꜱ", `looks like "CORE SWITCHES" but is not: it has the unusual character ᴄ (U+1D04)`},
	"Cherokee":        {"\u13DE\u13AA\u13F4", `looks like "LAB" but is not: it has the Cherokee Ꮮ (U+13DE)`},
	"Cherokee letter": {"Ꮯore switches", `looks like "Core switches" but is not: it has the Cherokee Ꮯ (U+13DF)`},
	"Cyrillic":        {"СОРЕ", `looks like "COPE" but is not: it has the Cyrillic С (U+0421)`},
	"Cyrillic word":   {"СОРЕ switches", `looks like "COPE switches" but is not: it has the Cyrillic С (U+0421)`},
	"Cyrillic letter": {"Floor А", `looks like "Floor A" but is not: it has the Cyrillic А (U+0410)`},
	"Greek":           {"ΚΟΡΕ", `looks like "KOPE" but is not: it has the Greek Κ (U+039A)`},
	"overlay":         {"Core\u0336 switches", `looks like "Core switches" but is not: it has the combining mark U+0336`},
	"dotted i":        {"Core swi\u0307tches", `looks like "Core switches" but is not: it has the combining mark U+0307`},
	"Kelvin sign":     {"\u212Aore", `looks like "Kore" but is not: it has the unusual character`},
	"mixed":           {"Cоre ж", `mixes Latin letters with the Cyrillic о (U+043E)`},
	"stacked marks":   {"Core\u0301\u0301\u0301\u0301\u0301", `has letters under several marks`},
}

// TestLookAlikesAreWarnedOf: the warning names the text that a name looks like, whether the scan is added, changed or
// deleted.
func TestLookAlikesAreWarnedOf(t *testing.T) {
	s := newStack(t, defendertest.Options{})
	for kind, c := range lookAlikes {
		s.Tenant.Edit(branchRouters, map[string]any{"scanName": c.name})
		s.Service.InvalidateCache()
		for operation, args := range map[string]string{
			"add_scan":     withFields(t, labScan, map[string]any{"scanName": c.name}),
			"update_scan":  `{"id":"` + branchRouters + `","isActive":false}`,
			"delete_scans": `{"scanDefinitionIds":["` + branchRouters + `"]}`,
		} {
			if got := strings.Join(s.plan(operation, args).Warnings, "\n"); !strings.Contains(got, c.warning) {
				t.Errorf("%s, %s: no %q in %q", kind, operation, c.warning, got)
			}
		}
	}
}

// TestOrdinaryNamesAreNotWarnedOf: names in one script of any language, and Latin words beside those of another.
func TestOrdinaryNamesAreNotWarnedOf(t *testing.T) {
	s := newStack(t, defendertest.Options{})
	for _, name := range []string{
		"Büro Zürich", "Café – étage 2", "Færø Kæde", "Çekirdek ağı Kapı", "Łódź", "Đà Nẵng", "Straße 5", "1º andar", "2ª planta", "m² × 3", "A’s “core”…",
		"Сеть 1", "Сервер с SQL", "Коммутаторы ядра", "Мережа Київ", "Δίκτυο", "Κεντρικός διακόπτης", "Ցանց", "ქსელი",
		"コアスイッチ", "東京 本社 VPN", "ＤＢサーバ", "第Ⅱ棟", "核心交换机", "서울 스위치", "الرياض", "شبكة", "רשת", "סוס", "เครือข่าย", "नेटवर्क", "நெட்வொர்க்", "ᏣᎳᎩ", "Core 🖧",
	} {
		if p := s.plan("add_scan", withFields(t, labScan, map[string]any{"scanName": name})); len(p.Warnings) > 0 {
			t.Errorf("%s: unexpected warnings %q", name, p.Warnings)
		}
	}
}

// TestNamesLikeAnExistingOneAreWarnedOf: with equal skeletons, also where each name alone is ordinary.
func TestNamesLikeAnExistingOneAreWarnedOf(t *testing.T) {
	s := newStack(t, defendertest.Options{})
	for name, existing := range map[string]string{
		"Core swltches": "Core swItches",
		"Соrе switches": "Core switches",
		"Core‐switches": "Core-switches", // a hyphen of word processors, ordinary by itself
		"Kæde":          "Kaede",
	} {
		s.Tenant.Edit(coreSwitches, map[string]any{"scanName": existing})
		s.Tenant.Edit(branchRouters, map[string]any{"scanName": "Branch"})
		s.Service.InvalidateCache()
		want := `looks like the name of another scan: "` + existing + `" (` + coreSwitches + `)`
		wantWords(t, strings.Join(s.plan("add_scan", withFields(t, labScan, map[string]any{"scanName": name})).Warnings, "\n"), want)
		wantWords(t, strings.Join(s.plan("update_scan", `{"id":"Branch","scanName":"`+name+`"}`).Warnings, "\n"), want)
		s.Tenant.Edit(branchRouters, map[string]any{"scanName": name})
		s.Service.InvalidateCache()
		wantWords(t, strings.Join(s.plan("delete_scans", `{"scanDefinitionIds":["`+branchRouters+`"]}`).Warnings, "\n"), want)
	}
}

// TestBlankGlyphsShow: characters that fonts draw as nothing, marks of another script, and runs of blanks.
func TestBlankGlyphsShow(t *testing.T) {
	s := newStack(t, defendertest.Options{})
	for name, shown := range map[string]string{
		"Core\U0001D159x":                      "Core⟨U+1D159⟩x",
		"Core\U00013441\U00013442x":            "Core⟨U+13441⟩⟨U+13442⟩x",
		"Core\u2800\u3164\uFFA0\u115F\u1160":   "Core⟨U+2800⟩⟨U+3164⟩⟨U+FFA0⟩⟨U+115F⟩⟨U+1160⟩",
		"Core\uFFFCx":                          "Core⟨U+FFFC⟩x",
		"Core\U00011D45x":                      "Core⟨U+11D45⟩x", // a virama without its letter
		"Core" + strings.Repeat(" ", 60) + "x": "Core⟨60 blanks⟩x",
		" Core  x ":                            "⟨1 blank⟩Core⟨2 blanks⟩x⟨1 blank⟩",
		"नेटवर्क é":                            "नेटवर्क é",
	} {
		s.Tenant.Edit(coreSwitches, map[string]any{"scanName": name})
		s.Service.InvalidateCache()
		p := s.plan("update_scan", `{"id":"`+coreSwitches+`","isActive":false}`)
		if got := planField(t, p.Subjects[0], "scanName").After; got != shown {
			t.Errorf("%q is shown as %q, want %q", name, got, shown)
		}
		wantWords(t, foldText(tools.Render(confirm.Change{Proposal: p})), `Update scan "`+shown+`" in tenant`)
	}
}

// FuzzLookAlikesAreWarnedOf: two scans whose shown names differ and still look alike, after compatibility normalization
// and UTS 39's skeleton, are never deleted without a warning that names the other; shown texts are bounded.
func FuzzLookAlikesAreWarnedOf(f *testing.F) {
	f.Add("Core switches", "Соrе switches")
	f.Add("Core  switches", "Core switches")
	f.Add("Ｃｏｒｅ", "Core")
	f.Add("\u212A", "k")
	f.Add("Il1|", "ll1l")
	s := newStack(f, defendertest.Options{})
	f.Fuzz(func(t *testing.T, a, b string) {
		if !utf8.ValidString(a) || !utf8.ValidString(b) || len(a)+len(b) > 2000 {
			return
		}
		s.Tenant.Edit(coreSwitches, map[string]any{"scanName": a})
		s.Tenant.Edit(branchRouters, map[string]any{"scanName": b})
		s.Service.InvalidateCache()
		args, _ := json.Marshal(map[string]any{"scanDefinitionIds": []string{coreSwitches, branchRouters}})
		p, err := s.Service.Plan(t.Context(), tools.Caller{}, "delete_scans", args)
		if err != nil {
			t.Fatal(err)
		}
		shownA, shownB := planField(t, p.Subjects[0], "scanName").Before, planField(t, p.Subjects[1], "scanName").Before
		if (shownA == shownB) != (a == b) {
			t.Fatalf("%q and %q are shown as %q and %q", a, b, shownA, shownB)
		}
		if len(shownA) > 13*len(a) || len(strings.Join(p.Warnings, "")) > 20_000 {
			t.Fatalf("%q is shown in %d bytes, with %d bytes of warnings", a, len(shownA), len(strings.Join(p.Warnings, "")))
		}
		warnings := strings.Join(p.Warnings, "\n")
		if a != b && skeletonOf(shownA) == skeletonOf(shownB) && !strings.Contains(warnings, branchRouters) {
			t.Fatalf("%q and %q look alike, and the warnings are %q", shownA, shownB, p.Warnings)
		}
	})
}

// skeletonOf is what a text looks like: NFKC, then the skeleton.
func skeletonOf(text string) string { return confusable.Skeleton(norm.NFKC.String(text)) }
