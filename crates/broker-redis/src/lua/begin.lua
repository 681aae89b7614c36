-- Begins a stream and puts its job into the queue: both, or neither.
-- KEYS  log, meta, queue, known
-- ARGV  as create.lua, then as enqueue.lua
if redis.call('XLEN', KEYS[3]) >= tonumber(ARGV[12]) then return 'full' end
if create(KEYS[1], KEYS[2], unpack(ARGV, 1, 8)) == 0 then return 'existed' end
enqueue(KEYS[3], KEYS[4], unpack(ARGV, 10, 13))
send(ARGV[9])
return 'created'
