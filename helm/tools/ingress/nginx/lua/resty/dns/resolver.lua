-- As Debian calls it.
return require("nginx.dns.resolver")
