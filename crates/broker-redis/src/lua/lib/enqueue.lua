-- Puts a job into the queue, unless its response has had one.
local function enqueue(queue, known, job, head, max, ttl)
  if redis.call('EXISTS', known) == 1 then return 'known' end
  if redis.call('XLEN', queue) >= tonumber(max) then return 'full' end
  ensure_queue(queue, ttl)
  local entry = redis.call('XADD', queue, '*', 'job', job, 'head', head)
  redis.call('SET', known, entry, 'PX', ttl)
  return 'ok'
end
