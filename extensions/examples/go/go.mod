module github.com/troupebase/troupe/extensions/examples/go

go 1.26

require github.com/troupebase/troupe/extensions/sdk/go v0.0.0

replace github.com/troupebase/troupe/extensions/sdk/go => ../../sdk/go
