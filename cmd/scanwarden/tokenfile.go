package main

// writer is the app registration that writes.
func (c *config) writer() azureConfig {
	if !c.writesApart() {
		return c.Azure
	}
	app := c.Write
	app.prefix = prefix + "WRITE_"
	return app
}

// apps are the app registrations that sign in here.
func (c *config) apps() []azureConfig {
	switch {
	case c.Simulator || c.standIn():
		return nil
	case c.ReadOnly || !c.writesApart():
		return []azureConfig{c.Azure}
	}
	return []azureConfig{c.Azure, c.writer()}
}

// checkTokenFile says why the federated token of app cannot be read right now, nil when it can or there is none.
func (c *config) checkTokenFile(app azureConfig) error {
	cfg, err := c.entra(app)
	if err != nil {
		return err
	}
	return cfg.CheckTokenFile()
}

// warnOfTokenFiles logs which federated tokens are not there. That stops nothing: they may be mounted later.
func (bp blueprint) warnOfTokenFiles() {
	for _, app := range bp.cfg.apps() {
		if err := bp.cfg.checkTokenFile(app); err != nil {
			bp.log.Warn(err.Error())
		}
	}
}
