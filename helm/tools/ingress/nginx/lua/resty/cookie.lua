-- As Debian calls it.
return require("nginx.cookie")
