package auth

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/MicahParks/jwkset"
	"github.com/MicahParks/keyfunc/v3"
	"github.com/golang-jwt/jwt/v5"
)

const (
	// refreshAfter is the age at which keys are fetched again. Entra publishes a new key days before it signs with it.
	refreshAfter = time.Hour
	// staleLimit is the age up to which keys are used if they cannot be fetched. A withdrawn key must expire.
	staleLimit = 24 * time.Hour
	// minFetchInterval is the minimum time between two fetches for any reason and with any result.
	minFetchInterval = time.Minute
	// fetchTimeout bounds one fetch.
	fetchTimeout = 10 * time.Second
	// maxDocumentBytes bounds a key document. Entra's document has about 15 KB.
	maxDocumentBytes = 1 << 20
)

// jwksCache caches Entra's signing keys (a JSON Web Key Set). It fetches them for the first token and, at most once
// a minute, for a token with an unknown key. It does not use keyfunc's own HTTP client: that client limits a fetch
// for an unknown key by its rate limiter's wait, and the caller that started a fetch can cancel it.
type jwksCache struct {
	ctx    context.Context // context of the server: all callers share a fetch, so none can cancel it
	url    string
	issuer tokenIssuer // issuer of the tokens that the keys verify
	client *http.Client
	now    func() time.Time

	mu          sync.Mutex
	keys        keyfunc.Keyfunc // nil before the first successful fetch
	fetched     time.Time       // time of the last successful fetch
	lastAttempt time.Time       // start of the last fetch
	lastErr     error           // error of the last fetch; nil if it succeeded
	inFlight    chan struct{}   // closed when the current fetch ends; nil if there is none
}

// keysUnavailableError means that the keys are not known. It is no statement about the token. Only the caller that
// started the fetch gets its cause, so that the log has one line per failure.
type keysUnavailableError struct{ cause error }

func (keysUnavailableError) Error() string { return "Entra's signing keys are not known" }

// signingKey returns the key that token names, and fetches the keys if they are stale or do not contain it.
func (k *jwksCache) signingKey(ctx context.Context, token *jwt.Token) (any, error) {
	keys, err := k.freshKeys(ctx, refreshAfter)
	if keys == nil {
		return nil, err
	}
	key, missing := keys.KeyfuncCtx(ctx)(token)
	if !errors.Is(missing, jwkset.ErrKeyNotFound) {
		return key, missing
	}
	if keys, err = k.freshKeys(ctx, minFetchInterval); err != nil {
		return nil, err
	}
	return keys.KeyfuncCtx(ctx)(token)
}

// freshKeys returns keys that are younger than age, and fetches them if a fetch is due. If they cannot be fetched,
// it returns an error, and also the older keys until staleLimit.
func (k *jwksCache) freshKeys(ctx context.Context, age time.Duration) (keyfunc.Keyfunc, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.keys != nil && k.now().Sub(k.fetched) < age {
		return k.keys, nil
	}
	due := k.inFlight == nil && (k.lastAttempt.IsZero() || k.now().Sub(k.lastAttempt) >= minFetchInterval)
	if due {
		k.lastAttempt, k.inFlight = k.now(), make(chan struct{})
		go k.refresh(k.inFlight)
	}
	k.waitFetch(ctx)
	failed := keysUnavailableError{}
	if due {
		failed.cause = k.lastErr
	}
	switch {
	case k.keys == nil || k.now().Sub(k.fetched) >= staleLimit:
		return nil, failed
	case k.lastErr != nil || ctx.Err() != nil:
		return k.keys, failed
	}
	return k.keys, nil
}

// waitFetch waits, without the lock, until the current fetch ends or ctx is done.
func (k *jwksCache) waitFetch(ctx context.Context) {
	flight := k.inFlight
	if flight == nil {
		return
	}
	k.mu.Unlock()
	defer k.mu.Lock()
	select {
	case <-flight:
	case <-ctx.Done():
	}
}

// refresh fetches the keys and stores the result. It ends with its request, after fetchTimeout at most.
func (k *jwksCache) refresh(flight chan struct{}) {
	keys, err := k.fetchKeys()
	k.mu.Lock()
	defer k.mu.Unlock()
	if err == nil {
		k.keys, k.fetched = keys, k.now()
	}
	k.lastErr, k.inFlight = err, nil
	close(flight)
}

func (k *jwksCache) fetchKeys() (keyfunc.Keyfunc, error) {
	ctx, cancel := context.WithTimeout(k.ctx, fetchTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, k.url, nil)
	if err != nil {
		return nil, err
	}
	res, err := k.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answered %s", k.url, res.Status)
	}
	raw, err := io.ReadAll(io.LimitReader(res.Body, maxDocumentBytes))
	if err != nil {
		return nil, err
	}
	return parseKeySet(raw, k.issuer)
}
