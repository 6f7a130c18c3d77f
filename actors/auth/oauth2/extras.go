package oauth2

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/asaskevich/govalidator"
)

// What some providers need beyond the table.

func yandexAvatar(_ context.Context, v *visit, u *User) error {
	if id := v.said.text("default_avatar_id"); !v.said.yes("is_avatar_empty") {
		u.AvatarURL = "https://avatars.yandex.net/get-yapic/" + id + "/islands-200"
	}
	return nil
}

// instagramPermissions shows what the token is good for.
func instagramPermissions(_ context.Context, v *visit, u *User) error {
	if said := v.token.Extra("permissions"); said != nil && member(u.Raw, "permissions") == nil {
		u.Raw["permissions"] = said
	}
	return nil
}

// beside returns the address below the one for user info, which may have a query.
func beside(address, name string) string {
	at, err := url.Parse(address)
	if err != nil {
		return address + "/" + name
	}
	return at.JoinPath(name).String()
}

// hidden tells whether an answer means that there is nothing to be seen with this token.
func hidden(err error) bool {
	var status statusError
	return errors.As(err, &status) && slices.Contains([]int{http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound}, int(status))
}

// listedEmail takes the email from the list of addresses beside the user info.
func listedEmail(ctx context.Context, v *visit, u *User) error {
	raw, err := v.ask(ctx, beside(v.p.userURL(), "emails"), "")
	if hidden(err) {
		return nil
	}
	if err != nil {
		return err
	}
	var list []struct {
		Email             string
		Verified, Primary bool
	}
	if err := decode(raw, &list); err != nil {
		return err
	}
	for _, e := range list {
		if e.Verified && e.Primary {
			u.Email = e.Email
			break
		}
	}
	return nil
}

func bitbucketEmail(ctx context.Context, v *visit, u *User) error {
	raw, err := v.ask(ctx, beside(v.p.userURL(), "emails"), "")
	var status statusError
	if errors.As(err, &status) {
		return nil
	}
	if err != nil {
		return err
	}
	var list struct {
		Values []struct {
			Email       string
			IsPrimary   bool `json:"is_primary"`
			IsConfirmed bool `json:"is_confirmed"`
		}
	}
	if err := decode(raw, &list); err != nil {
		return err
	}
	for _, e := range list.Values {
		if e.IsPrimary && e.IsConfirmed {
			u.Email = e.Email
			break
		}
	}
	return nil
}

// giteeEmails is where Gitee lists the addresses of a user who shows none.
const giteeEmails = "https://gitee.com/api/v5/emails"

func giteeEmail(ctx context.Context, v *visit, u *User) error {
	if govalidator.IsEmail(u.Email) {
		return nil
	}
	u.Email = ""
	raw, err := v.ask(ctx, giteeEmails, "")
	if hidden(err) {
		return nil
	}
	if err != nil {
		return err
	}
	var list []struct {
		Email, State string
		Scope        []string
	}
	if err := decode(raw, &list); err != nil {
		return err
	}
	for _, e := range list {
		if e.State == "confirmed" && slices.Contains(e.Scope, "primary") {
			u.Email = e.Email
			break
		}
	}
	return nil
}

func discordNames(_ context.Context, v *visit, u *User) error {
	if u.Name == "" {
		u.Name = u.Username
		if number := v.said.text("discriminator"); number != "" && number != "0" {
			u.Name += "#" + number
		}
	}
	if picture := v.said.text("avatar"); picture != "" {
		u.AvatarURL = fmt.Sprintf("https://cdn.discordapp.com/avatars/%s/%s.png", u.ID, picture)
	}
	return nil
}

func vkUser(_ context.Context, v *visit, u *User) error {
	u.Name = strings.TrimSpace(v.said.text("response.0.first_name") + " " + v.said.text("response.0.last_name"))
	u.Email = v.extra("email")
	return nil
}

func stravaUser(_ context.Context, v *visit, u *User) error {
	if u.ID == "0" {
		u.ID = ""
	}
	u.Name = v.said.text("firstname") + " " + v.said.text("lastname")
	return nil
}

func wakatimePhoto(_ context.Context, v *visit, u *User) error {
	if !v.said.yes("data.photo_public") {
		u.AvatarURL = ""
	}
	return nil
}

func mailcowUsername(_ context.Context, _ *visit, u *User) error {
	u.Username, _, _ = strings.Cut(u.Username, "@")
	return nil
}

// claimedEmail takes Microsoft's email from the claim that the collection trusts.
func claimedEmail(_ context.Context, v *visit, u *User) error {
	choice := v.p.extraText(v.p.known.openIDClaim)
	const primary, edov, plain, any = "verified_primary_email", "email_and_xms_edov", "email", "any_verified"
	if !slices.Contains([]string{primary, edov, plain, any}, choice) {
		return nil
	}
	u.Email = "" // the one of the profile is not the one that was asked for
	token := v.extra("id_token")
	if token == "" {
		return nil // no claim, no email
	}
	claims, err := v.c.unsigned(token)
	if err != nil {
		return err
	}
	text := func(name string) string {
		s, _ := claims[name].(string)
		return s
	}
	if choice == primary || choice == any {
		u.Email = text("verified_primary_email")
	}
	if choice == plain || u.Email == "" && choice != primary && truthy(claims["xms_edov"]) {
		u.Email = text("email")
	}
	return nil
}
