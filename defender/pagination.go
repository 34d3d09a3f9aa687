package defender

import (
	"context"
	"encoding/json"
	"net/url"
	"strings"
)

// Limits on a list that the service returns page by page.
const (
	maxPages = 100
	maxItems = 50_000
)

// listAll returns the items of a collection, at most limit, or all if limit is 0. It reads page by page: the API's
// documentation shows no next link, but OData allows one. If it cannot read all pages, it returns an error and no items,
// because the missing ones would seem to be deleted.
func listAll[T any](ctx context.Context, c *Client, r request, limit int) ([]T, error) {
	items := []T{}
	for range maxPages {
		resp, err := c.readWithRetry(ctx, r)
		if err != nil {
			return nil, err
		}
		var page struct {
			Value *[]T
			Next  string `json:"@odata.nextLink"`
		}
		if err := json.Unmarshal(resp.body, &page); err != nil {
			return nil, bodyError(r, resp, resp.describeBody(), describeSyntax(err))
		}
		if page.Value == nil {
			return nil, bodyError(r, resp, "the response has no value array", nil)
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

// nextQuery returns the query of a next link, or an error if the link has another host or path than r. The token must not
// be sent to another host. A history read has definitions in its body, so a link to BatchDelete would turn it into a
// delete.
func (c *Client) nextQuery(r request, link string) (string, error) {
	here := url.URL{Scheme: c.transport.base.Scheme, Host: c.transport.base.Host, Path: r.path}
	next, err := here.Parse(link)
	if err != nil || next.Scheme != here.Scheme || hostAndPort(next) != hostAndPort(&here) || !strings.EqualFold(next.Path, here.Path) {
		return "", &Error{
			Op:      r.op,
			Message: "the next page is on another host or path than the list, and was not read",
			Next:    "check the cloud and region of the Defender URL: the service may expect another host",
		}
	}
	return next.RawQuery, nil
}

// hostAndPort returns the host and port of u, with the default port if u has none.
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
