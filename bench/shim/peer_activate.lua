-- One activation of a new computer: the key, then the request, an anchor and the evidence.
local used_by, requests, computers = 'used:' .. KEYS[1], 'requests:' .. KEYS[1], 'computers:' .. KEYS[1]
local recorded = redis.call('HGET', requests, ARGV[1])
if recorded then return tonumber(recorded) end
if redis.call('HEXISTS', computers, ARGV[2]) == 1 then return 0 end
local used = tonumber(redis.call('GET', used_by) or '0')
if used >= 1000000 then return redis.error_reply('limit') end
redis.call('SET', used_by, used + 1)
redis.call('HSET', requests, ARGV[1], used + 1)
redis.call('HSET', computers, ARGV[2], ARGV[3])
return used + 1
