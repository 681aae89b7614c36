-- Begins the leases of a worker's claims anew, and returns the places in the list of those that are not its own.
-- KEYS  queue
-- ARGV  worker, entry, entry, … in their order
local queue, worker = KEYS[1], ARGV[1]
local lost, owned, kept = {}, {}, {}

-- As a rule they are all of one consumer, and asked for at once.
local first = claim_of(queue, ARGV[2])
local consumer = first and first.worker == worker and first.consumer
if consumer then
  local pending = redis.call('XPENDING', queue, 'workers', ARGV[2], ARGV[#ARGV], 2 * #ARGV, consumer)
  for _, held in ipairs(pending) do owned[held[1]] = true end
end
for i = 2, #ARGV do
  if owned[ARGV[i]] then
    kept[#kept + 1] = ARGV[i]
  else
    local claim = claim_of(queue, ARGV[i])
    if claim and claim.worker == worker then
      redis.call('XCLAIM', queue, 'workers', claim.consumer, 0, ARGV[i], 'JUSTID')
    else
      lost[#lost + 1] = i - 2
    end
  end
end
if #kept > 0 then
  kept[#kept + 1] = 'JUSTID'
  redis.call('XCLAIM', queue, 'workers', consumer, 0, unpack(kept))
end
return lost
