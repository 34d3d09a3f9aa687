package config

import (
	"path/filepath"
	"testing"
)

func TestDefaultStateDir(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		system string
		env    Environment
		want   string
	}{
		{"linux", Environment{"HOME": "/home/ada"}, "/home/ada/.local/state/scanwarden"},
		{"linux", Environment{"HOME": "/home/ada", "XDG_STATE_HOME": "/state"}, "/state/scanwarden"},
		{"linux", Environment{}, ""},
		{"darwin", Environment{"HOME": "/Users/ada", "XDG_STATE_HOME": "/state"}, "/Users/ada/Library/Application Support/scanwarden"},
		{"darwin", Environment{}, ""},
		{"windows", Environment{"LocalAppData": "/AppData", "HOME": "/x"}, "/AppData/scanwarden"},
		{"windows", Environment{"HOME": "/x"}, ""},
	} {
		got, err := defaultStateDir(tt.env, tt.system)
		if filepath.ToSlash(got) != tt.want || (err != nil) != (tt.want == "") {
			t.Errorf("%s %v: %q, %v; want %q", tt.system, tt.env, got, err, tt.want)
		}
	}
}
