-- What is decided about a stream is in its meta:
--   tail  '<epoch> <next> <first>': the epoch in force, the next event, and with which the last record began; before it
--         'ended ' once nothing may follow
--   stop  'cancelled', or until when anyone attends it; nothing in the background
--   attended  '<gateway>=<until when>', with a space between them
--   kept  until when it lives
--   live  the inboxes of those that follow it, see inbox.lua

-- The epoch, the next event and the end of a tail.
local function parse(tail)
  local ended, epoch, next = string.match(tail, '^(%l*) ?(%d+) (%d+)')
  return epoch, next, ended ~= ''
end

-- Why the owner of a stream shall end it; empty if it shall not.
local function why(stop)
  if not stop then return '' end
  if stop == 'cancelled' then return stop end
  if tonumber(stop) <= now() then return 'abandoned' end
  return ''
end

-- Lets a stream live for ttl from now, unless it is kept longer already. Nothing is written before a tenth of it has gone:
-- of a thousand appends, nearly all then cost the server, its replicas and the append-only file one thing less.
local function prolong(log, meta, ttl, kept)
  if not kept or kept - now() < ttl * 0.9 then
    redis.call('HSET', meta, 'kept', now() + ttl)
    redis.call('PEXPIRE', log, ttl)
    redis.call('PEXPIRE', meta, ttl)
  end
end
