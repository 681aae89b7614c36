-- No package has it, and only global limits ask for it.
return {}
