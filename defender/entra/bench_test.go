package entra_test

import (
	"context"
	"testing"
	"time"

	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/confidential"
)

// BenchmarkCachedToken compares a token from the cache with bare MSAL's.
//
//	go test -run '^$' -bench CachedToken ./defender/entra
func BenchmarkCachedToken(b *testing.B) {
	f := startTenant(b)
	s := f.source(b, nil)
	cred, err := confidential.NewCredFromSecret(secret)
	if err != nil {
		b.Fatal(err)
	}
	bare, err := confidential.New("https://"+production+"/"+tenant, clientID, cred, confidential.WithHTTPClient(f.client(b)))
	if err != nil {
		b.Fatal(err)
	}
	measure := func(call func(context.Context) error) time.Duration {
		start := time.Now()
		for range b.N {
			if err := call(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
		return time.Since(start)
	}
	ours := func(ctx context.Context) error { _, err := getText(ctx, s, false); return err }
	theirs := func(ctx context.Context) error {
		_, err := bare.AcquireTokenByCredential(ctx, []string{scope})
		return err
	}
	if err := ours(b.Context()); err != nil { // sign in before measuring
		b.Fatal(err)
	}
	if err := theirs(b.Context()); err != nil {
		b.Fatal(err)
	}
	b.ResetTimer()
	msal := measure(theirs)
	source := measure(ours)
	b.ReportMetric(float64(source)/float64(msal), "x-of-bare-MSAL")
	b.ReportMetric(float64(source.Nanoseconds())/float64(b.N), "ns/Token")
}
