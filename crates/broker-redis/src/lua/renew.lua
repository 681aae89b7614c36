-- Begins the leases of a worker's claims anew, and returns the places in the list of those that are not its own.
-- KEYS  queue
-- ARGV  worker, entry, entry, …
local lost = {}
for i = 2, #ARGV do
  local claim = claim_of(KEYS[1], ARGV[i])
  if claim and claim.worker == ARGV[1] then
    redis.call('XCLAIM', KEYS[1], 'workers', claim.consumer, 0, ARGV[i], 'JUSTID')
  else
    lost[#lost + 1] = i - 2
  end
end
return lost
