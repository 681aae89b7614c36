-- No package has it, and only OCSP stapling asks for it.
return {}
