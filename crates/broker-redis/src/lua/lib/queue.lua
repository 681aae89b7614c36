-- Makes the queue and its group of workers, if need be, and lets it live for ttl from now, more or less.
local function ensure_queue(queue, ttl)
  if redis.call('EXISTS', queue) == 0 then
    redis.call('XGROUP', 'CREATE', queue, 'workers', '0', 'MKSTREAM')
  end
  if redis.call('PTTL', queue) < ttl * 0.9 then redis.call('PEXPIRE', queue, ttl) end
end

-- Who has claimed an entry, and how often it was handed out. A consumer is named by its worker and the lease of its
-- claims in milliseconds, so that everyone can tell when they run out.
local function claim_of(queue, entry)
  if redis.call('EXISTS', queue) == 0 then return nil end
  local pending = redis.call('XPENDING', queue, 'workers', entry, entry, 1)[1]
  if not pending then return nil end
  return { consumer = pending[2], worker = string.match(pending[2], '^(.*) %d+$'), attempts = pending[4] }
end

-- Wakes one worker that is blocked on the queue, because a job was given back. There is never more than one such call,
-- and it is an entry without a job: whoever gets it takes it out and looks again.
local function wake(queue, calling, ttl)
  if redis.call('EXISTS', calling) == 0 then
    redis.call('SET', calling, redis.call('XADD', queue, '*', 'wake', ''), 'PX', ttl)
  end
end

-- Takes an entry out of the queue, whoever has it.
local function take_out(queue, entry)
  if redis.call('EXISTS', queue) == 1 then
    redis.call('XACK', queue, 'workers', entry)
    redis.call('XDEL', queue, entry)
  end
end
