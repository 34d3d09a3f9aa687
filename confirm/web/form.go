package web

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"scanwarden/confirm"
)

// maxReasonLen bounds the reason of a decision, in characters.
const maxReasonLen = 300

// formToken returns the token of the form that decides c in the viewer's session. Without the session's secret nobody
// can make it, so that another site cannot send the form, and a form of one change cannot decide another one.
func (h *changesHandler) formToken(v Viewer, c confirm.Change) (string, error) {
	key, err := h.cfg.Key()
	if err != nil {
		return "", fmt.Errorf("read the server key: %w", err)
	}
	derived, err := deriveKey(key, "scanwarden decision form v1")
	if err != nil {
		return "", err
	}
	mac := hmac.New(sha256.New, derived)
	for _, part := range []string{v.Session, string(v.Principal), c.ID, c.Digest} {
		fmt.Fprintf(mac, "%d:%s", len(part), part)
	}
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil)), nil
}

// decisionForm is what a person has sent.
type decisionForm struct {
	approve bool
	reason  string
	values  url.Values
}

// errForm is the sentence for a form that this server has not rendered for this session and this change.
var errForm = errors.New("this form belongs to another session or to another change; look at the change again and decide here")

// readForm returns the decision in a request about c. Its error is a sentence for the person.
func (h *changesHandler) readForm(r *http.Request, v Viewer, c confirm.Change) (decisionForm, error) {
	if media, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";"); media != "application/x-www-form-urlencoded" {
		return decisionForm{}, errForm
	}
	if err := r.ParseForm(); err != nil {
		return decisionForm{}, errors.New("the form is too long or damaged; send a shorter reason")
	}
	want, err := h.formToken(v, c)
	if err != nil {
		return decisionForm{}, err
	}
	values := r.PostForm
	if !hmac.Equal([]byte(want), []byte(onlyValue(values, "token"))) || !hmac.Equal([]byte(c.Digest), []byte(onlyValue(values, "digest"))) {
		return decisionForm{}, errForm
	}
	f := decisionForm{reason: strings.TrimSpace(onlyValue(values, "reason")), values: values}
	if !utf8.ValidString(f.reason) || utf8.RuneCountInString(f.reason) > maxReasonLen {
		return decisionForm{}, fmt.Errorf("the reason is too long; shorten it to %d characters", maxReasonLen)
	}
	switch onlyValue(values, "decision") {
	case "approve":
		f.approve = true
		return f, checkSecondStep(values, c)
	case "deny":
		return f, nil
	}
	return decisionForm{}, errors.New("choose Approve or Deny")
}

// checkSecondStep returns an error unless the second step of approving a deletion was done: the box is checked, and the
// number of scans typed.
func checkSecondStep(values url.Values, c confirm.Change) error {
	if !deletes(c) {
		return nil
	}
	if onlyValue(values, "read") != "yes" {
		return errors.New("check the box that says you have looked through the list")
	}
	if strings.TrimSpace(onlyValue(values, "count")) != strconv.Itoa(len(c.Subjects)) {
		return fmt.Errorf("type how many scans are deleted: the number in the heading, %d", len(c.Subjects))
	}
	return nil
}

// onlyValue returns the value of a field that is sent once, and "" for one that is missing or sent twice.
func onlyValue(values url.Values, name string) string {
	if len(values[name]) != 1 {
		return ""
	}
	return values[name][0]
}
