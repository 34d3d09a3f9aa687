package entratest

import (
	"fmt"
	"net/http"
	"slices"
	"time"
)

// device is a sign-in on another device, by a code that a user enters in a browser.
type device struct {
	app, secret, code string // secret is the device_code
	request           scopeRequest
	expires           time.Time
	user              string // the user that approved; "" before that
	declined          bool
	redeemed          bool
}

// deviceCodeLifetime is the lifetime in the page's example.
const deviceCodeLifetime = 900 * time.Second

// handleDeviceCode starts a sign-in by code. It needs no authentication.
func (s *Server) handleDeviceCode(c *call) (any, error) {
	app, err := s.findApp(c.form.Get("client_id"))
	if err != nil {
		return nil, err
	}
	request, err := readScope(c.form.Get("scope"))
	if err != nil {
		return nil, err
	}
	if c.form.Get("scope") == "" {
		return nil, missingParameter("scope")
	}
	d := &device{
		app: app.ClientID, secret: s.nextID("fake-device-code-"), code: fmt.Sprintf("C%08d", len(s.devices)+1), request: request, expires: s.currentTime().Add(s.options.DeviceCodeLifetime),
	}
	s.devices = append(s.devices, d)
	s.answerDevice(d)
	const where = "https://microsoft.com/devicelogin"
	return object{
		"user_code": d.code, "device_code": d.secret, "verification_uri": where,
		"expires_in": int(s.options.DeviceCodeLifetime / time.Second), "interval": 5,
		"message": "To sign in, use a web browser to open the page " + where + " and enter the code " + d.code + " to authenticate.",
	}, nil
}

// AutoApprove makes this user enter every device code, those that wait and later ones, and sign in. "" means that
// later codes wait for [Server.Approve] or [Server.Decline].
func (s *Server) AutoApprove(objectID string) { s.answerDevices(signInAnswer{user: objectID}) }

// AutoDecline makes a user enter every device code, those that wait and later ones, and decline.
func (s *Server) AutoDecline() { s.answerDevices(signInAnswer{declines: true}) }

func (s *Server) answerDevices(answer signInAnswer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.deviceAnswer = answer
	for _, d := range s.devices {
		s.answerDevice(d)
	}
}

// answerDevice gives the standing answer to a code that waits. The caller holds s.mu.
func (s *Server) answerDevice(d *device) {
	if d.user == "" && !d.declined && s.currentTime().Before(d.expires) {
		d.user, d.declined = s.deviceAnswer.user, s.deviceAnswer.declines
	}
}

// UserCodes returns the codes that wait for a user, the oldest first.
func (s *Server) UserCodes() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var waiting []string
	for _, d := range s.devices {
		if d.user == "" && !d.declined && s.currentTime().Before(d.expires) {
			waiting = append(waiting, d.code)
		}
	}
	return waiting
}

// Approve makes a user enter the code and sign in.
func (s *Server) Approve(userCode, objectID string) error {
	return s.updateDevice(userCode, func(d *device) { d.user = objectID })
}

// Decline makes a user enter the code and decline.
func (s *Server) Decline(userCode string) error {
	return s.updateDevice(userCode, func(d *device) { d.declined = true })
}

// Expire makes the code expire now.
func (s *Server) Expire(userCode string) error {
	return s.updateDevice(userCode, func(d *device) { d.expires = s.currentTime() })
}

func (s *Server) updateDevice(userCode string, then func(*device)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.devices, func(d *device) bool { return d.code == userCode })
	if i < 0 || !s.currentTime().Before(s.devices[i].expires) {
		return fmt.Errorf("enter the device code %q: it was not issued, or has expired", userCode)
	}
	then(s.devices[i])
	return nil
}

// redeemDeviceCode answers a poll (RFC 8628, 3.5, with Microsoft's words for declined and unknown codes).
func (s *Server) redeemDeviceCode(c *call, app App) (any, error) {
	secret := c.form.Get("device_code")
	if secret == "" {
		return nil, missingParameter("device_code")
	}
	not := func(word string, code int, text string) (any, error) {
		return nil, newRefusal(http.StatusBadRequest, word, code, text)
	}
	i := slices.IndexFunc(s.devices, func(d *device) bool { return d.secret == secret && d.app == app.ClientID })
	switch {
	case i < 0 || s.devices[i].redeemed:
		return not("bad_verification_code", 70018, "The device code was not recognised.")
	case !s.currentTime().Before(s.devices[i].expires):
		return not("expired_token", 70020, "The device code has expired.")
	case s.devices[i].declined:
		return not("authorization_declined", 70018, "The user declined the authorization.")
	case s.devices[i].user == "":
		return not("authorization_pending", 70016, "OAuth 2.0 device flow: the authorization is pending. Continue polling.")
	}
	u, err := s.findUser(s.devices[i].user)
	if err != nil {
		return nil, err
	}
	s.devices[i].redeemed = true
	return s.issueToUser(c, app, u, s.devices[i].request)
}
