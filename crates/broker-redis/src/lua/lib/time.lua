-- The server's clock, in milliseconds: the one clock that all gateways and workers agree on.
local function now()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end
