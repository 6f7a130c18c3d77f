package app

import "github.com/troupebase/troupe/actors/mailer"

// Mailer returns the queue of outgoing mail.
func (a *App) Mailer() *mailer.Mailer { return a.mail }

func (a *App) startMailer() (err error) {
	a.mail, err = mailer.Start(mailer.Options{
		Logger:     a.log,
		Settings:   a.Settings,
		Supervisor: a.actors.Root(),
	})
	return err
}

// stopMailer delivers what waits, for a few seconds at most. A mailer that was not started, or was stopped, is passed over.
func (a *App) stopMailer() {
	if a.mail != nil {
		a.mail.Close()
	}
}
