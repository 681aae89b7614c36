-- What is told of a job in the queue: its entry, its head, and the attempts, consumer and idle time of its claim. A
-- version that wrote no heads left the job itself to be read.
local function describe(queue, entry)
  local pending = redis.call('XPENDING', queue, 'workers', entry[1], entry[1], 1)[1] or {}
  return { entry[1], entry[2][4] or entry[2][2], pending[4] or 0, pending[2] or '', pending[3] or 0 }
end

-- What is told of a dead one: its entry among the dead, its head, the attempts, where it was in the queue, and why it died.
local function describe_dead(entry)
  local dead = {}
  for i = 1, #entry[2], 2 do dead[entry[2][i]] = entry[2][i + 1] end
  local head = dead.head ~= '' and dead.head or dead.job
  return { entry[1], head, tonumber(dead.attempts) or 0, dead.entry or entry[1], dead.reason or '' }
end
