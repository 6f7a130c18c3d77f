package httpx

import (
	"encoding/json"
	"strconv"
)

// builtinProxyHeaders are named to superusers as hints that a proxy is in front.
var builtinProxyHeaders = [...]string{"CF-Connecting-IP", "Fly-Client-IP"}

// Health returns the handler of GET /api/health. canBackup tells superusers whether a backup can be started now.
func Health(canBackup func() bool) Handler {
	return func(c *Context) error {
		body := append(c.Buffer(), `{"message":"API is healthy.","code":200,"data":{`...)
		if c.Auth != nil && c.Auth.Superuser {
			body = append(body, `"canBackup":`...)
			body = strconv.AppendBool(body, canBackup())
			body = append(body, `,"possibleProxyHeader":`...)
			name, _ := json.Marshal(c.proxyHeader()) // a string always can be
			body = append(body, name...)
			body = append(body, `,"realIP":"`...)
			body = append(body, c.RealIP()...)
			body = append(body, '"')
		}
		return c.Send(200, append(body, "}}\n"...))
	}
}

// proxyHeader returns the first header with which a proxy seems to tell the client's address.
func (c *Context) proxyHeader() string {
	for _, name := range c.policy.opts.ProxyHeaders {
		if len(c.ctx.Request.Header.Peek(name)) > 0 {
			return name
		}
	}
	for _, name := range builtinProxyHeaders {
		if len(c.ctx.Request.Header.Peek(name)) > 0 {
			return name
		}
	}
	return ""
}
