package defender

import (
	"context"
	"encoding/json"
	"net/url"
	"strings"
)

// Limits on a list that the service hands out page by page.
const (
	maxPages = 100
	maxItems = 50_000
)

// listAll reads a collection, page by page; no page of the API's documentation shows a next link, but OData allows
// one. With limit it stops at that many items; 0 means all of them. A list that cannot be read whole is an
// error: a part of it would make the rest look deleted.
func listAll[T any](ctx context.Context, c *Client, r request, limit int) ([]T, error) {
	items := []T{}
	for range maxPages {
		a, err := c.readWithRetry(ctx, r)
		if err != nil {
			return nil, err
		}
		var page struct {
			Value *[]T
			Next  string `json:"@odata.nextLink"`
		}
		if err := json.Unmarshal(a.body, &page); err != nil {
			return nil, bodyError(r, a, a.describeBody(), describeSyntax(err))
		}
		if page.Value == nil {
			return nil, bodyError(r, a, "the answer has no value array", nil)
		}
		items = append(items, *page.Value...)
		switch {
		case limit > 0 && len(items) >= limit:
			return items[:limit], nil
		case page.Next == "":
			return items, nil
		case len(items) > maxItems:
			return nil, tooManyPagesError(r)
		}
		if r.query, err = c.nextQuery(r, page.Next); err != nil {
			return nil, err
		}
	}
	return nil, tooManyPagesError(r)
}

// nextQuery takes from a next link its query alone, and that only if the link stays on this host and path. The
// token must go nowhere else; and a history read, whose body names definitions, would be a delete if a
// link could steer it to BatchDelete.
func (c *Client) nextQuery(r request, link string) (string, error) {
	here := url.URL{Scheme: c.transport.base.Scheme, Host: c.transport.base.Host, Path: r.path}
	next, err := here.Parse(link)
	if err != nil || next.Scheme != here.Scheme || hostAndPort(next) != hostAndPort(&here) || !strings.EqualFold(next.Path, here.Path) {
		return "", &Error{
			Op:      r.op,
			Message: "the next page is on another host or path than the list, and was not fetched",
			Next:    "check the cloud and region of the Defender URL: the service may want to be called by another host",
		}
	}
	return next.RawQuery, nil
}

// hostAndPort is the host with its port, written out or not.
func hostAndPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"https": "443", "http": "80"}[u.Scheme]
	}
	return strings.ToLower(u.Hostname()) + ":" + port
}

func tooManyPagesError(r request) *Error {
	return &Error{Op: r.op, Message: "the list does not end", Next: "report this to Microsoft: the pages of the list may link back to each other"}
}
