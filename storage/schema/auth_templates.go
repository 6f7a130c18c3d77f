package schema

// The mails of a new auth collection. Each body is put into a page of the mailer, so that it holds paragraphs only.
var (
	defaultVerificationTemplate = EmailTemplate{
		Subject: "Confirm your {APP_NAME} email address",
		Body: `<p>Hello,</p>
<p>Welcome to {APP_NAME}. Please confirm that this email address is yours.</p>
<p>
  <a class="btn" href="{APP_URL}/_/#/auth/confirm-verification/{TOKEN}" target="_blank" rel="noopener">Confirm email</a>
</p>
<p><i>You did not sign up? Then there is nothing to do, just ignore this message.</i></p>
<p>
  Best wishes,<br/>
  {APP_NAME}
</p>`,
	}
	defaultResetPasswordTemplate = EmailTemplate{
		Subject: "Choose a new {APP_NAME} password",
		Body: `<p>Hello,</p>
<p>A new password was requested for your {APP_NAME} account. Follow the link to choose it.</p>
<p>
  <a class="btn" href="{APP_URL}/_/#/auth/confirm-password-reset/{TOKEN}" target="_blank" rel="noopener">Choose a password</a>
</p>
<p><i>You did not ask for it? Then ignore this message, your password stays as it is.</i></p>
<p>
  Best wishes,<br/>
  {APP_NAME}
</p>`,
	}
	defaultConfirmEmailChangeTemplate = EmailTemplate{
		Subject: "Confirm your new {APP_NAME} email address",
		Body: `<p>Hello,</p>
<p>This address is to become the one of your {APP_NAME} account. Follow the link to confirm it.</p>
<p>
  <a class="btn" href="{APP_URL}/_/#/auth/confirm-email-change/{TOKEN}" target="_blank" rel="noopener">Confirm new email</a>
</p>
<p><i>You did not ask for it? Then ignore this message, nothing will change.</i></p>
<p>
  Best wishes,<br/>
  {APP_NAME}
</p>`,
	}
	defaultOTPTemplate = EmailTemplate{
		Subject: "Your {APP_NAME} sign-in code",
		Body: `<p>Hello,</p>
<p>Your code for signing in: <strong>{OTP}</strong></p>
<p><i>You did not ask for a code? Then ignore this message and tell nobody the code.</i></p>
<p>
  Best wishes,<br/>
  {APP_NAME}
</p>`,
	}
	defaultAlertTemplate = EmailTemplate{
		Subject: "Sign-in from a new location",
		Body: `<p>Hello,</p>
<p>Somebody signed in to your {APP_NAME} account from a place that we have not seen before:</p>
<p><em>{ALERT_INFO}</em></p>
<p><strong>If it was not you, change your {APP_NAME} password now: that ends all sessions.</strong></p>
<p>If it was you, there is nothing to do.</p>
<p>
  Best wishes,<br/>
  {APP_NAME}
</p>`,
	}
)
