#include "protocol/resp/command_categories.hpp"

#include "protocol/resp/request.hpp"

#include <array>
#include <cstddef>
#include <string>
#include <unordered_map>

namespace sluice::resp {

namespace {

struct Category {
    std::string_view name;
    std::string_view commands;  ///< With a blank behind each, and a colon within a subcommand.
};

/// Source: the answers to ACL CAT of Redis 7.0.15. What is not fast is slow.
// clang-format off: a paragraph of words each.
constexpr std::array categories{
    Category{"keyspace",
             "copy dbsize del dump exists expire expireat expiretime flushall flushdb keys migrate "
             "move object:encoding object:freq object:help object:idletime object:refcount persist "
             "pexpire pexpireat pexpiretime pttl randomkey rename renamenx restore restore-asking "
             "scan swapdb touch ttl type unlink"},
    Category{"read",
             "bitcount bitfield_ro bitpos dbsize dump exists expiretime geodist geohash geopos "
             "georadius_ro georadiusbymember_ro geosearch get getbit getrange hexists hget hgetall "
             "hkeys hlen hmget hrandfield hscan hstrlen hvals keys lcs lindex llen lolwut lpos "
             "lrange memory:usage mget object:encoding object:freq object:idletime object:refcount "
             "pexpiretime pfcount pttl randomkey scan scard sdiff sinter sintercard sismember "
             "smembers smismember sort_ro srandmember sscan strlen substr sunion touch ttl type "
             "xinfo:consumers xinfo:groups xinfo:stream xlen xpending xrange xread xrevrange zcard "
             "zcount zdiff zinter zintercard zlexcount zmscore zrandmember zrange zrangebylex "
             "zrangebyscore zrank zrevrange zrevrangebylex zrevrangebyscore zrevrank zscan zscore "
             "zunion"},
    Category{"write",
             "append bitfield bitop blmove blmpop blpop brpop brpoplpush bzmpop bzpopmax bzpopmin "
             "copy decr decrby del expire expireat flushall flushdb function:delete function:flush "
             "function:load function:restore geoadd georadius georadiusbymember geosearchstore "
             "getdel getex getset hdel hincrby hincrbyfloat hmset hset hsetnx incr incrby "
             "incrbyfloat linsert lmove lmpop lpop lpush lpushx lrem lset ltrim migrate move mset "
             "msetnx persist pexpire pexpireat pfadd pfdebug pfmerge psetex rename renamenx "
             "restore restore-asking rpop rpoplpush rpush rpushx sadd sdiffstore set setbit setex "
             "setnx setrange sinterstore smove sort spop srem sunionstore swapdb unlink xack xadd "
             "xautoclaim xclaim xdel xgroup:create xgroup:createconsumer xgroup:delconsumer "
             "xgroup:destroy xgroup:setid xreadgroup xsetid xtrim zadd zdiffstore zincrby "
             "zinterstore zmpop zpopmax zpopmin zrangestore zrem zremrangebylex zremrangebyrank "
             "zremrangebyscore zunionstore"},
    Category{"set",
             "sadd scard sdiff sdiffstore sinter sintercard sinterstore sismember smembers "
             "smismember smove sort sort_ro spop srandmember srem sscan sunion sunionstore"},
    Category{"sortedset",
             "bzmpop bzpopmax bzpopmin sort sort_ro zadd zcard zcount zdiff zdiffstore zincrby "
             "zinter zintercard zinterstore zlexcount zmpop zmscore zpopmax zpopmin zrandmember "
             "zrange zrangebylex zrangebyscore zrangestore zrank zrem zremrangebylex "
             "zremrangebyrank zremrangebyscore zrevrange zrevrangebylex zrevrangebyscore zrevrank "
             "zscan zscore zunion zunionstore"},
    Category{"list",
             "blmove blmpop blpop brpop brpoplpush lindex linsert llen lmove lmpop lpop lpos lpush "
             "lpushx lrange lrem lset ltrim rpop rpoplpush rpush rpushx sort sort_ro"},
    Category{"hash",
             "hdel hexists hget hgetall hincrby hincrbyfloat hkeys hlen hmget hmset hrandfield "
             "hscan hset hsetnx hstrlen hvals"},
    Category{"string",
             "append decr decrby get getdel getex getrange getset incr incrby incrbyfloat lcs mget "
             "mset msetnx psetex set setex setnx setrange strlen substr"},
    Category{"bitmap", "bitcount bitfield bitfield_ro bitop bitpos getbit setbit"},
    Category{"hyperloglog", "pfadd pfcount pfdebug pfmerge pfselftest"},
    Category{"geo",
             "geoadd geodist geohash geopos georadius georadius_ro georadiusbymember "
             "georadiusbymember_ro geosearch geosearchstore"},
    Category{"stream",
             "xack xadd xautoclaim xclaim xdel xgroup:create xgroup:createconsumer "
             "xgroup:delconsumer xgroup:destroy xgroup:help xgroup:setid xinfo:consumers "
             "xinfo:groups xinfo:help xinfo:stream xlen xpending xrange xread xreadgroup xrevrange "
             "xsetid xtrim"},
    Category{"pubsub",
             "psubscribe publish pubsub:channels pubsub:numpat pubsub:numsub pubsub:shardchannels "
             "pubsub:shardnumsub punsubscribe spublish ssubscribe subscribe sunsubscribe "
             "unsubscribe"},
    Category{"admin",
             "acl:deluser acl:dryrun acl:getuser acl:list acl:load acl:log acl:save acl:setuser "
             "acl:users bgrewriteaof bgsave client:kill client:list client:no-evict client:pause "
             "client:unblock client:unpause cluster:addslots cluster:addslotsrange "
             "cluster:bumpepoch cluster:count-failure-reports cluster:delslots "
             "cluster:delslotsrange cluster:failover cluster:flushslots cluster:forget "
             "cluster:meet cluster:replicas cluster:replicate cluster:reset cluster:saveconfig "
             "cluster:set-config-epoch cluster:setslot cluster:slaves config:get config:resetstat "
             "config:rewrite config:set debug failover lastsave latency:doctor latency:graph "
             "latency:histogram latency:history latency:latest latency:reset module:list "
             "module:load module:loadex module:unload monitor pfdebug pfselftest psync replconf "
             "replicaof role save shutdown slaveof slowlog:get slowlog:len slowlog:reset sync"},
    Category{"fast",
             "append asking auth bitfield_ro bzpopmax bzpopmin dbsize decr decrby discard echo "
             "exists expire expireat expiretime get getbit getdel getex getset hdel hello hexists "
             "hget hincrby hincrbyfloat hlen hmget hmset hset hsetnx hstrlen incr incrby "
             "incrbyfloat lastsave llen lolwut lpop lpush lpushx mget move multi persist pexpire "
             "pexpireat pexpiretime pfadd ping pttl publish quit readonly readwrite renamenx reset "
             "role rpop rpush rpushx sadd scard select setnx sismember smismember smove spop "
             "spublish srem strlen swapdb time touch ttl type unlink unwatch watch xack xadd "
             "xautoclaim xclaim xdel xlen xsetid zadd zcard zcount zincrby zlexcount zmscore "
             "zpopmax zpopmin zrank zrem zrevrank zscore"},
    Category{"blocking",
             "blmove blmpop blpop brpop brpoplpush bzmpop bzpopmax bzpopmin xread xreadgroup"},
    Category{"dangerous",  // And all of admin.
             "flushall flushdb info keys migrate restore restore-asking sort sort_ro swapdb"},
    Category{"connection",
             "asking auth client:caching client:getname client:getredir client:help client:id "
             "client:info client:kill client:list client:no-evict client:pause client:reply "
             "client:setname client:tracking client:trackinginfo client:unblock client:unpause "
             "command command:count command:docs command:getkeys command:getkeysandflags "
             "command:help command:info command:list echo hello ping quit readonly readwrite reset "
             "select wait"},
    Category{"transaction", "discard exec multi unwatch watch"},
    Category{"scripting",
             "eval eval_ro evalsha evalsha_ro fcall fcall_ro function:delete function:dump "
             "function:flush function:help function:kill function:list function:load "
             "function:restore function:stats script:debug script:exists script:flush script:help "
             "script:kill script:load"},
};
// clang-format on

/// In none of those.
constexpr std::string_view slow_alone =
    "acl acl:cat acl:genpass acl:help acl:whoami client cluster cluster:countkeysinslot "
    "cluster:getkeysinslot cluster:help cluster:info cluster:keyslot cluster:links "
    "cluster:myid cluster:nodes cluster:shards cluster:slots config config:help function "
    "latency latency:help memory memory:doctor memory:help memory:malloc-stats "
    "memory:purge memory:stats module module:help object pubsub pubsub:help script "
    "slowlog slowlog:help xgroup xinfo";

constexpr std::string_view admin = "admin";
constexpr std::string_view dangerous = "dangerous";
constexpr std::string_view fast = "fast";
constexpr std::string_view slow = "slow";
constexpr std::uint32_t slow_bit = 1U << categories.size();

using BitsByName = std::unordered_map<std::string_view, std::uint32_t>;

void add_each(BitsByName& bits, std::string_view names, std::uint32_t bit) {
    while (!names.empty()) {
        const std::size_t end = names.find(' ');
        bits[names.substr(0, end)] |= bit;
        names.remove_prefix(end == std::string_view::npos ? names.size() : end + 1);
    }
}

BitsByName make_bits() {
    BitsByName bits;
    std::uint32_t fast_bit = 0;
    std::uint32_t dangerous_bit = 0;
    std::string_view of_admin;
    for (std::size_t index = 0; index < categories.size(); ++index) {
        const std::uint32_t bit = 1U << index;
        if (categories[index].name == fast) fast_bit = bit;
        if (categories[index].name == dangerous) dangerous_bit = bit;
        if (categories[index].name == admin) of_admin = categories[index].commands;
        add_each(bits, categories[index].commands, bit);
    }
    add_each(bits, of_admin, dangerous_bit);
    add_each(bits, slow_alone, 0);
    for (auto& [name, all] : bits) {
        if ((all & fast_bit) == 0) all |= slow_bit;
    }
    return bits;
}

}  // namespace

std::optional<std::uint32_t> category_bits(std::string_view word) noexcept {
    if (!word.starts_with('@')) return std::nullopt;
    word.remove_prefix(1);
    if (is_word(word, "all")) return UINT32_MAX;
    if (is_word(word, slow)) return slow_bit;
    for (std::size_t index = 0; index < categories.size(); ++index) {
        if (is_word(word, categories[index].name)) return 1U << index;
    }
    return std::nullopt;
}

std::uint32_t known_categories_of(std::string_view name) {
    static const BitsByName bits = make_bits();
    std::string text(name);
    if (const std::size_t blank = text.find(' '); blank != std::string::npos) text[blank] = ':';
    const auto at = bits.find(text);
    return at == bits.end() ? 0 : at->second;
}

}  // namespace sluice::resp
