package server

// warnMissingTokenFiles logs which federated tokens cannot be read. That stops nothing: they may be mounted later.
func (b *Builder) warnMissingTokenFiles() {
	for _, app := range b.cfg.AppRegistrations() {
		if err := b.cfg.CheckTokenFile(app); err != nil {
			b.log.Warn(err.Error())
		}
	}
}
