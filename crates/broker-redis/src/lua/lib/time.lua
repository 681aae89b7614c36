-- The server's clock, in milliseconds: the one clock that all gateways and workers agree on. It is asked once in a script.
local asked
local function now()
  if not asked then
    local time = redis.call('TIME')
    asked = time[1] * 1000 + math.floor(time[2] / 1000)
  end
  return asked
end
