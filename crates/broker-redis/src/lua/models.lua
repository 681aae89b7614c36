-- The models whose announcement has not run out, the one that lasts longest last.
-- KEYS  roster
return redis.call('ZRANGE', KEYS[1], '(' .. string.format('%.0f', now()), '+inf', 'BYSCORE')
