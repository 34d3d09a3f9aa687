package entratest

import (
	"fmt"
	"net/http"
	"slices"
	"time"
)

// A device is a sign-in on another device, by a code that a person enters in a browser.
type device struct {
	app, secret, code string // secret is the device_code
	want              ask
	end               time.Time
	user              string // who approved; "" while nobody has
	declined          bool
	redeemed          bool
}

// deviceLife is the page's example.
const deviceLife = 900 * time.Second

// deviceCode begins a sign-in by code. Anybody may, for any app.
func (s *Server) deviceCode(c *call) (any, error) {
	app, err := s.app(c.form.Get("client_id"))
	if err != nil {
		return nil, err
	}
	want, err := readScope(c.form.Get("scope"))
	if err != nil {
		return nil, err
	}
	if c.form.Get("scope") == "" {
		return nil, missing("scope")
	}
	d := &device{
		app: app.ClientID, secret: s.id("fake-device-code-"), code: s.id("C"), want: want, end: s.now().Add(deviceLife),
	}
	s.devices = append(s.devices, d)
	const where = "https://microsoft.com/devicelogin"
	return object{
		"user_code": d.code, "device_code": d.secret, "verification_uri": where,
		"expires_in": int(deviceLife / time.Second), "interval": 5,
		"message": "To sign in, use a web browser to open the page " + where + " and enter the code " + d.code + " to authenticate.",
	}, nil
}

// UserCodes returns the codes that wait for a person, the oldest first.
func (s *Server) UserCodes() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var waiting []string
	for _, d := range s.devices {
		if d.user == "" && !d.declined && s.now().Before(d.end) {
			waiting = append(waiting, d.code)
		}
	}
	return waiting
}

// Approve has a person enter the code and sign in.
func (s *Server) Approve(userCode, objectID string) error {
	return s.enter(userCode, func(d *device) { d.user = objectID })
}

// Decline has a person enter the code and decline.
func (s *Server) Decline(userCode string) error {
	return s.enter(userCode, func(d *device) { d.declined = true })
}

// Expire lets the code's time be over.
func (s *Server) Expire(userCode string) error {
	return s.enter(userCode, func(d *device) { d.end = s.now() })
}

func (s *Server) enter(userCode string, then func(*device)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.devices, func(d *device) bool { return d.code == userCode })
	if i < 0 || !s.now().Before(s.devices[i].end) {
		return fmt.Errorf("enter the device code %q: it was not given out, or has expired", userCode)
	}
	then(s.devices[i])
	return nil
}

// byDevice answers a poll (RFC 8628, 3.5, with Microsoft's words for declined and unknown codes).
func (s *Server) byDevice(c *call, app App) (any, error) {
	secret := c.form.Get("device_code")
	if secret == "" {
		return nil, missing("device_code")
	}
	not := func(word string, code int, text string) (any, error) {
		return nil, refuse(http.StatusBadRequest, word, code, text)
	}
	i := slices.IndexFunc(s.devices, func(d *device) bool { return d.secret == secret && d.app == app.ClientID })
	switch {
	case i < 0 || s.devices[i].redeemed:
		return not("bad_verification_code", 70018, "The device code was not recognised.")
	case !s.now().Before(s.devices[i].end):
		return not("expired_token", 70020, "The device code has expired.")
	case s.devices[i].declined:
		return not("authorization_declined", 70018, "The user declined the authorization.")
	case s.devices[i].user == "":
		return not("authorization_pending", 70016, "OAuth 2.0 device flow: the authorization is pending. Continue polling.")
	}
	u, err := s.user(s.devices[i].user)
	if err != nil {
		return nil, err
	}
	s.devices[i].redeemed = true
	return s.forPerson(c, app, u, s.devices[i].want)
}
