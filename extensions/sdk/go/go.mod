module github.com/troupebase/troupe/extensions/sdk/go

go 1.26
