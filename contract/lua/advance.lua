-- ARGV: id, token, stage, progress
-- Records that an execution entered a stage. Returns 'current', 'lost' or 'cancel'.
local id, token, stage, progress = unpack(ARGV)
local fields = redis.call('HMGET', job_key(id), 'token', 'status', 'cancel_requested')
if fields[1] ~= token or fields[2] ~= 'in_progress' then return 'lost' end
if fields[3] == '1' then return 'cancel' end
redis.call('HSET', job_key(id), 'stage', stage, 'progress', progress)
announce(id, 'in_progress', stage, tonumber(progress))
return 'current'
